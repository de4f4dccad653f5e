-- What must hold at every commit: a sound database returns no row.
CREATE OR REPLACE FUNCTION ledger.invariants()
RETURNS TABLE (invariant text, detail text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT v.invariant, v.detail FROM ledger.violation v
$$;
ALTER FUNCTION ledger.invariants() OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.invariants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.invariants() TO joulebook_app;
COMMENT ON FUNCTION ledger.invariants() IS 'Violations of the ledger''s invariants; a sound ledger has none | 账本不变量的违例；正常时无任何行';
