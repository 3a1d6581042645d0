#include "core/alert.h"

uint32_t alert_replicas(bool firing, uint32_t now, uint32_t min, uint32_t max, uint32_t factor) {
        uint64_t step = ((uint64_t)max * factor + 99) / 100;

        if (factor == 0 || min >= max)
                return now;
        if (!firing)
                return min;
        if (now >= max)
                return now; /* a person wanted more */
        return now + step > max ? max : (uint32_t)(now + step);
}
