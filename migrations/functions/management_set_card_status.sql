-- Blocks a card, reports it lost, retires it, or makes it active again. A session that runs keeps running.
CREATE OR REPLACE FUNCTION management.set_card_status(id_tag text, status text)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    card core.card;
BEGIN
    PERFORM api.require_text(id_tag, 'id_tag', 20);
    PERFORM api.require_value(status, 'status', 'active', 'blocked', 'lost', 'retired');
    card := api.find_card(id_tag);
    IF card.status <> set_card_status.status THEN
        UPDATE core.card k SET status = set_card_status.status WHERE k.id = card.id;
        PERFORM api.audit('SetCardStatus', (SELECT u.home_site_id FROM core.customer u WHERE u.id = card.customer_id),
            format('card %s', card.id), jsonb_build_object('status', card.status), jsonb_build_object('status', status));
    END IF;
    RETURN jsonb_build_object('cardId', card.id, 'tag', card.tag_hint, 'status', status,
                              'repeated', card.status = set_card_status.status);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.set_card_status(text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.set_card_status(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.set_card_status(text, text)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.set_card_status(text, text) IS
    'Blocks a card, or changes its status otherwise. | 冻结充电卡或变更其状态。';
