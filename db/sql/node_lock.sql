-- A node's sign of life: held as long as the session that listens for it. False: somebody has it.
-- $1 node (its low 32 bits)
SELECT pg_try_advisory_lock(1245859407, $1::int4)
