-- Assigns a tariff from an instant on. What holds there with the same priority then ends; what begins
-- later there is taken away. An assignment of the same tariff that holds already stays as it is.
CREATE OR REPLACE FUNCTION api.tariff_assign(tariff core.tariff, since timestamptz, site text, charge_point_id text,
    connector_id integer, customer text, card_group text, priority integer)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    goal record;
    rank integer := coalesce(tariff_assign.priority, 0);
    id bigint;
BEGIN
    SELECT * INTO goal FROM api.tariff_target(site, charge_point_id, connector_id, customer, card_group);
    PERFORM api.require_number(rank, 'priority', 0, 1000);
    IF EXISTS (SELECT FROM core.site x WHERE x.id = goal.site_id AND goal.scope <> 'customer'
               AND x.currency <> tariff.currency) THEN
        PERFORM api.refuse('currency-differs', 'document.currency', tariff.currency);
    END IF;
    -- Two that assign at once to one place wait for one another here.
    PERFORM pg_advisory_xact_lock(hashtextextended(format('tariff:%s:%s:%s', goal.scope, goal.target, goal.connector), 0));
    SELECT a.id INTO id FROM core.tariff_assignment a
    WHERE a.scope = goal.scope AND a.target_id = goal.target AND a.connector = goal.connector AND a.priority = rank
      AND a.tariff_id = tariff.id AND a.valid_during @> greatest(since, now()) AND upper_inf(a.valid_during);
    IF id IS NULL THEN
        DELETE FROM core.tariff_assignment a
        WHERE a.scope = goal.scope AND a.target_id = goal.target AND a.connector = goal.connector AND a.priority = rank
          AND lower(a.valid_during) >= greatest(since, now());
        IF EXISTS (SELECT FROM core.tariff_assignment a WHERE a.scope = goal.scope AND a.target_id = goal.target
                   AND a.connector = goal.connector AND a.priority = rank) THEN
            since := greatest(since, now());
        END IF;
        UPDATE core.tariff_assignment a SET valid_during = tstzrange(lower(a.valid_during), since)
        WHERE a.scope = goal.scope AND a.target_id = goal.target AND a.connector = goal.connector AND a.priority = rank
          AND (upper(a.valid_during) > since OR upper_inf(a.valid_during));
        INSERT INTO core.tariff_assignment AS a (scope, target_id, connector, tariff_id, priority, valid_during, actor)
        VALUES (goal.scope, goal.target, goal.connector, tariff.id, rank, tstzrange(since, NULL), core.actor())
        RETURNING a.id INTO id;
        PERFORM api.audit('AssignTariff', goal.site_id, tariff.code, NULL, jsonb_build_object('scope', goal.scope,
            'target', goal.target, 'connector', goal.connector, 'priority', rank, 'since', since));
    END IF;
    RETURN jsonb_build_object('assignmentId', id, 'scope', CASE goal.scope WHEN 'station' THEN 'pile' ELSE goal.scope END,
        'target', coalesce(site, charge_point_id, customer, card_group), 'connectorId', connector_id, 'priority', rank);
END
$$;
ALTER FUNCTION api.tariff_assign(core.tariff, timestamptz, text, text, integer, text, text, integer) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_assign(core.tariff, timestamptz, text, text, integer, text, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_assign(core.tariff, timestamptz, text, text, integer, text, text, integer) IS
    'Assigns a tariff from an instant on. | 自某时刻起分配电价。';
