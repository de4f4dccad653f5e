-- The one door from JSON to an action: api.call('TopUp', '{"customer": "C-1", "amount": "100.00"}') runs
-- operation.top_up(customer => …, amount => …) with the members that are present; null means absent.
-- SECURITY INVOKER: the caller may do here what its GRANTs let it do anywhere. An action that the caller
-- may not execute and one that does not exist are told apart, because api.action lists them anyway.
CREATE OR REPLACE FUNCTION api.call(action text, payload jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE plpgsql SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target record;
    arguments text;
    answer jsonb;
BEGIN
    SELECT p.oid, n.nspname, p.proname INTO target
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('management', 'operation')
      AND api.camel_case(p.proname) = call.action;
    IF NOT FOUND THEN
        PERFORM api.refuse('action-unknown', 'action', coalesce(call.action, ''));
    END IF;
    IF NOT has_function_privilege(target.oid, 'EXECUTE') THEN
        PERFORM api.refuse('action-denied', 'action', call.action);
    END IF;
    IF payload IS NOT NULL AND jsonb_typeof(payload) <> 'object' THEN
        PERFORM api.refuse('member-kind', 'payload', 'payload', 'object');
    END IF;
    arguments := api.call_arguments(target.oid, coalesce(payload, '{}'));
    EXECUTE format('SELECT %I.%I(%s)', target.nspname, target.proname, arguments) INTO answer USING payload;
    RETURN answer;
END
$$;
ALTER FUNCTION api.call(text, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.call(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.call(text, jsonb) TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON FUNCTION api.call(text, jsonb) IS
    'Runs an action by its name with the members of a JSON object. | 按名称执行动作，参数取自 JSON 对象的成员。';
