/* inbound.h - from the core's work to statements, and from their rows to the core's answers.
 *
 * One table: for each kind of work the statement, the lane that runs it, how its parameters are
 * bound and how its row is read.  The parameters' order is that of db/sql/<statement>.sql.
 * Pure; any thread.
 */
#ifndef CSMS_INBOUND_H
#define CSMS_INBOUND_H

#include "db/args.h"
#include "db/row.h"
#include "db/statement.h"

#include "csms/core/work.h"

enum inbound_lane { INBOUND_MONEY, INBOUND_TELEMETRY, INBOUND_LANES };

enum db_stmt inbound_statement(enum core_work_kind);
enum inbound_lane inbound_lane(enum core_work_kind);

/* Fills args, which are reset first. */
void inbound_bind(const struct core_work *, int64_t node, struct db_args *args);

/* What the result of a lane or a worker means; `row` tells whether there is one. */
enum core_outcome inbound_outcome(enum db_result, bool row);

/* Texts point into the row.  Without a row (BULK) everything is empty. */
void inbound_answer(enum core_work_kind, const struct db_row *row, struct core_answer *ret);

#endif
