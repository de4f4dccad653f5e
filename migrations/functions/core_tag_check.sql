-- What a tag is worth, apart from money: Accepted, Blocked, Expired or Invalid (unknown), and whose it is.
CREATE OR REPLACE FUNCTION core.tag_check(p_id_tag text, p_at timestamptz,
    OUT status text, OUT expiry timestamptz, OUT parent text, OUT tag_key uuid, OUT card_id bigint,
    OUT customer_id bigint, OUT account_id bigint, OUT vehicle_id bigint, OUT fleet_id bigint, OUT tag_group_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    status := 'Invalid';
    IF p_id_tag IS NULL OR p_id_tag = '' THEN
        RETURN;
    END IF;
    tag_key := core.tag_key(p_id_tag);
    SELECT CASE WHEN c.status <> 'active' OR u.status <> 'active' THEN 'Blocked'
                WHEN c.expires_at <= p_at THEN 'Expired'
                ELSE 'Accepted' END,
           c.expires_at, g.parent, c.id, c.customer_id, c.account_id, c.vehicle_id, c.fleet_id, c.group_id
    INTO status, expiry, parent, card_id, customer_id, account_id, vehicle_id, fleet_id, tag_group_id
    FROM core.card c
    LEFT JOIN core.customer u ON u.id = c.customer_id
    LEFT JOIN core.tag_group g ON g.id = c.group_id
    WHERE c.tag_key = tag_check.tag_key;
    status := COALESCE(status, 'Invalid');
END
$$;
ALTER FUNCTION core.tag_check(text, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.tag_check(text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION core.tag_check(text, timestamptz) IS
    'Verdict on a tag, and its card, customer and account | 卡号校验结果及其卡、客户与账户';
