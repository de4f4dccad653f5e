-- A central system that nobody must write: it knows a start by its message id, and a pile repeats an
-- unanswered start with a new one. chaos.py must find the sessions that are there twice.
DO $patch$
DECLARE
    honest text := pg_get_functiondef('inbound.start(bigint, integer, text, bigint, timestamptz, text, bigint, timestamptz,
        boolean, bigint, boolean, text, text)'::regprocedure);
    lookup constant text := 'SELECT * INTO known FROM (';
BEGIN
    IF strpos(honest, lookup) = 0 THEN
        RAISE EXCEPTION 'inbound.start no longer looks a start up as this patch expects';
    END IF;
    EXECUTE replace(honest, lookup,
        'content := inbound.digest(p_station::text, p_frame::jsonb ->> 1); ' || lookup);
END
$patch$;
