-- Which tariff holds where. The narrowest scope wins (customer, fleet, card group, connector, pile, site),
-- then the lowest priority number.
CREATE OR REPLACE VIEW query.tariff_assignment WITH (security_barrier) AS
SELECT a.id                                                     AS assignment_id,
       f.code                                                   AS tariff,
       CASE a.scope WHEN 'station' THEN 'pile' ELSE a.scope END AS scope,
       coalesce(t.code, p.identity, u.code, g.code, h.parent)   AS target,
       nullif(a.connector, 0)                                   AS connector,
       a.priority                                               AS priority,
       lower(a.valid_during)                                    AS valid_from_at,
       upper(a.valid_during)                                    AS valid_to_at,
       a.actor                                                  AS actor,
       a.created_at                                             AS created_at
FROM core.tariff_assignment a
JOIN core.tariff f ON f.id = a.tariff_id
LEFT JOIN core.site t ON a.scope = 'site' AND t.id = a.target_id
LEFT JOIN core.station p ON a.scope IN ('station', 'connector') AND p.id = a.target_id
LEFT JOIN core.customer u ON a.scope = 'customer' AND u.id = a.target_id
LEFT JOIN core.fleet g ON a.scope = 'fleet' AND g.id = a.target_id
LEFT JOIN core.tag_group h ON a.scope = 'card_group' AND h.id = a.target_id;
ALTER VIEW query.tariff_assignment OWNER TO joulebook_reader;
REVOKE ALL ON query.tariff_assignment FROM PUBLIC;
GRANT SELECT ON query.tariff_assignment TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.tariff_assignment IS
    'One row per assignment of a tariff; key: assignment_id. | 电价的每条分配一行；键：assignment_id。';
COMMENT ON COLUMN query.tariff_assignment.assignment_id IS 'Number of the assignment. | 分配编号。';
COMMENT ON COLUMN query.tariff_assignment.tariff IS 'Tariff. | 电价。';
COMMENT ON COLUMN query.tariff_assignment.scope IS
    'customer, fleet, card_group, connector, pile or site. | 客户、车队、卡组、枪、桩或场站。';
COMMENT ON COLUMN query.tariff_assignment.target IS 'What it is assigned to. | 分配对象。';
COMMENT ON COLUMN query.tariff_assignment.connector IS 'Connector, where the scope is one. | 枪号（分配到枪时）。';
COMMENT ON COLUMN query.tariff_assignment.priority IS 'Lower numbers win within a scope. | 同一范围内数字小者优先。';
COMMENT ON COLUMN query.tariff_assignment.valid_from_at IS 'Valid from; null: always. | 生效时间；不限为空。';
COMMENT ON COLUMN query.tariff_assignment.valid_to_at IS 'Valid until; null: open. | 失效时间；未定为空。';
COMMENT ON COLUMN query.tariff_assignment.actor IS 'Who assigned it. | 操作者。';
COMMENT ON COLUMN query.tariff_assignment.created_at IS 'When. | 操作时间。';
