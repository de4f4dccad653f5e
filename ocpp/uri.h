/* uri.h - the grammar of RFC 3986.  Private to ocpp/. */
#ifndef OCPP_URI_H
#define OCPP_URI_H

#include "ocpp/types.h"

/* An absolute URI, scheme and all; a fragment is allowed (the schema's format: uri). */
bool ocpp_uri_valid(const char *text);

#endif
