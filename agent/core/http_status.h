/* http_status - the words for status codes (RFC 9110 15).  Pure. */
#ifndef BRAMBLE_CORE_HTTP_STATUS_H
#define BRAMBLE_CORE_HTTP_STATUS_H

/* "Not Found"; "Unknown" for a status that is not in the table. */
const char *http_reason(unsigned status);

#endif
