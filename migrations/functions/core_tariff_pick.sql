-- The tariff version that holds at an instant: the narrowest assignment, else the site's default.
CREATE OR REPLACE FUNCTION core.tariff_pick(p_customer bigint, p_fleet bigint, p_tag_group bigint,
    p_station bigint, p_connector integer, p_site bigint, p_at timestamptz,
    OUT tariff_version_id bigint, OUT currency text, OUT top_price_micro bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT v.id, t.currency, v.top_price_micro INTO tariff_version_id, currency, top_price_micro
    FROM core.tariff_assignment a
    JOIN core.tariff t ON t.id = a.tariff_id
    JOIN core.tariff_version v ON v.tariff_id = a.tariff_id AND v.state <> 'draft'
        AND v.valid_from <= p_at AND (v.valid_to IS NULL OR v.valid_to > p_at)
    WHERE (a.scope = 'site' AND a.target_id = p_site
           OR a.scope = 'station' AND a.target_id = p_station
           OR a.scope = 'connector' AND a.target_id = p_station AND a.connector = p_connector
           OR a.scope = 'card_group' AND a.target_id = p_tag_group
           OR a.scope = 'fleet' AND a.target_id = p_fleet
           OR a.scope = 'customer' AND a.target_id = p_customer)
      AND a.valid_during @> p_at
    ORDER BY a.scope_rank, a.priority LIMIT 1;
    IF tariff_version_id IS NULL THEN
        SELECT v.id, t.currency, v.top_price_micro INTO tariff_version_id, currency, top_price_micro
        FROM core.site s
        JOIN core.tariff t ON t.id = s.default_tariff_id
        JOIN core.tariff_version v ON v.tariff_id = t.id AND v.state <> 'draft'
            AND v.valid_from <= p_at AND (v.valid_to IS NULL OR v.valid_to > p_at)
        WHERE s.id = p_site;
    END IF;
END
$$;
ALTER FUNCTION core.tariff_pick(bigint, bigint, bigint, bigint, integer, bigint, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.tariff_pick(bigint, bigint, bigint, bigint, integer, bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION core.tariff_pick(bigint, bigint, bigint, bigint, integer, bigint, timestamptz) IS
    'The tariff version that holds for this customer and connector | 适用于该客户与枪口的电价版本';

-- The tariff version that prices a session which has none of its own: what held for it when it began.
CREATE OR REPLACE FUNCTION core.session_tariff(p_session core.session)
RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.tariff_version_id
    FROM core.tariff_pick(p_session.customer_id, p_session.fleet_id,
        (SELECT c.group_id FROM core.card c WHERE c.id = p_session.card_id), p_session.station_id, p_session.connector,
        p_session.site_id, p_session.started_at) t
    WHERE t.currency = p_session.currency
$$;
ALTER FUNCTION core.session_tariff(core.session) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.session_tariff(core.session) FROM PUBLIC;
COMMENT ON FUNCTION core.session_tariff(core.session) IS
    'The tariff version that held for a session when it began | 会话开始时适用的电价版本';
