/* cli_rate.h - `csms rate`: the offline tariff calculator. */
#ifndef CSMS_RATE_CLI_RATE_H
#define CSMS_RATE_CLI_RATE_H

/* rate --tariff FILE --zone ZONE --session FILE.  Prints JSON.  0; 1: the files say something that
 * cannot be rated; 2: usage. */
int csms_rate_main(int argc, char **argv);

#endif
