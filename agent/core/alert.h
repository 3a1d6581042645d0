/* alert - how many replicas an AlertManager's alert asks for: the old way of scaling, by a rule of
 * Prometheus.  Pure. */
#ifndef BRAMBLE_CORE_ALERT_H
#define BRAMBLE_CORE_ALERT_H

#include <stdbool.h>
#include <stdint.h>

enum {
        ALERT_FACTOR = 20
}; /* percent of 'max' a step, where label com.openfaas.scale.factor says
    * nothing */

/* Firing: a step of 'factor' percent of 'max' more, at least one, up to 'max'.  Over: 'min'.
 * 'now' where the function is not to be scaled so: factor 0, or min and max the same. */
uint32_t alert_replicas(bool firing, uint32_t now, uint32_t min, uint32_t max, uint32_t factor);

#endif
