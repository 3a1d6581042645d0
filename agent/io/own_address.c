#include "io/own_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

bool own_address(const char *address) {
        struct ifaddrs *all, *i;
        struct in6_addr v6;
        struct in_addr v4;
        int family = inet_pton(AF_INET, address, &v4) == 1    ? AF_INET
                     : inet_pton(AF_INET6, address, &v6) == 1 ? AF_INET6
                                                              : AF_UNSPEC;
        bool found = false;

        if (family == AF_UNSPEC || getifaddrs(&all) < 0)
                return true;
        for (i = all; i && !found; i = i->ifa_next) {
                struct sockaddr_in6 a6;
                struct sockaddr_in a4;

                if (!i->ifa_addr || i->ifa_addr->sa_family != family)
                        continue;
                if (family == AF_INET) {
                        memcpy(&a4, i->ifa_addr, sizeof(a4));
                        found = a4.sin_addr.s_addr == v4.s_addr;
                } else {
                        memcpy(&a6, i->ifa_addr, sizeof(a6));
                        found = memcmp(&a6.sin6_addr, &v6, sizeof(v6)) == 0;
                }
        }
        freeifaddrs(all);
        return found;
}
