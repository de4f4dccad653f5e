-- Registers a card (an idTag) and whom it charges: the account named, else the customer's one account. A
-- card without a customer can be registered too; its sessions wait for review.
CREATE OR REPLACE FUNCTION management.register_card(id_tag text, customer text DEFAULT NULL, account text DEFAULT NULL,
    parent_group text DEFAULT NULL, expires_at timestamptz DEFAULT NULL, status text DEFAULT 'active')
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    holder core.customer;
    payer bigint;
    parent bigint;
    card core.card;
    asked jsonb;
BEGIN
    PERFORM api.require_text(id_tag, 'id_tag', 20);
    PERFORM api.require_text(parent_group, 'parent_group', 20, false);
    PERFORM api.require_value(status, 'status', 'active', 'blocked', 'lost', 'retired');
    IF NOT isfinite(expires_at) THEN
        PERFORM api.refuse('member-range', 'expires_at', 'expires_at', '-infinity < … < infinity');
    END IF;
    IF customer IS NULL THEN
        PERFORM core.require_site(NULL);
        IF account IS NOT NULL THEN
            PERFORM api.refuse('account-unknown', 'account', account);
        END IF;
    ELSE
        holder := api.find_customer(customer);
        payer := (api.find_payer(holder.id, account)).id;
    END IF;
    IF parent_group IS NOT NULL THEN
        INSERT INTO core.tag_group (parent) VALUES (parent_group) ON CONFLICT DO NOTHING;
        SELECT g.id INTO parent FROM core.tag_group g WHERE g.parent = parent_group;
    END IF;
    asked := jsonb_build_object('customer_id', holder.id, 'account_id', payer, 'group_id', parent,
                                'expires_at', expires_at, 'status', status);
    INSERT INTO core.card (tag_key, tag_hint, status, expires_at, group_id, customer_id, account_id)
    VALUES (core.tag_key(id_tag), core.tag_hint(id_tag), register_card.status, register_card.expires_at, parent,
            holder.id, payer)
    ON CONFLICT (tag_key) DO NOTHING RETURNING * INTO card;
    IF card.id IS NULL THEN
        SELECT * INTO card FROM core.card k WHERE k.tag_key = core.tag_key(id_tag);
        IF NOT to_jsonb(card) @> asked THEN
            PERFORM api.refuse('registered-otherwise', 'id_tag', card.tag_hint);
        END IF;
        RETURN jsonb_build_object('cardId', card.id, 'tag', card.tag_hint, 'repeated', true);
    END IF;
    INSERT INTO core.card_tag (card_id, id_tag) VALUES (card.id, register_card.id_tag);
    PERFORM api.audit('RegisterCard', holder.home_site_id, format('card %s', card.id), NULL, asked);
    RETURN jsonb_build_object('cardId', card.id, 'tag', card.tag_hint, 'repeated', false);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.register_card(text, text, text, text, timestamptz, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.register_card(text, text, text, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.register_card(text, text, text, text, timestamptz, text)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.register_card(text, text, text, text, timestamptz, text) IS
    'Registers a card and whom it charges. | 登记充电卡及其付款账户。';
