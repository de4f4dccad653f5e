-- Callers that were refused: piles that knock, strangers that try.
CREATE OR REPLACE VIEW query.door WITH (security_barrier) AS
SELECT d.identity                                          AS identity,
       d.reason                                            AS reason,
       d.count                                             AS count,
       d.remote                                            AS remote,
       d.first_at                                          AS first_at,
       d.last_at                                           AS last_at,
       p.id IS NOT NULL                                    AS is_registered,
       t.code                                              AS site,
       core.local_time(d.last_at, coalesce(t.zone, 'UTC')) AS last_local
FROM core.door d
LEFT JOIN core.station p ON lower(p.identity) = lower(d.identity)
LEFT JOIN core.site t ON t.id = p.site_id;
ALTER VIEW query.door OWNER TO joulebook_reader;
REVOKE ALL ON query.door FROM PUBLIC;
GRANT SELECT ON query.door TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.door IS
    'One row per name of a refused caller and reason; key: identity, reason. | 被拒来访者名称与原因各一行；键：identity、reason。';
COMMENT ON COLUMN query.door.identity IS 'Name that the caller used. | 来访者使用的名称。';
COMMENT ON COLUMN query.door.reason IS 'Why it was refused. | 拒绝原因。';
COMMENT ON COLUMN query.door.count IS 'How often. | 次数。';
COMMENT ON COLUMN query.door.remote IS 'Network address of the last call. | 最近一次的网络地址。';
COMMENT ON COLUMN query.door.first_at IS 'First time. | 首次时间。';
COMMENT ON COLUMN query.door.last_at IS 'Last time. | 最近时间。';
COMMENT ON COLUMN query.door.is_registered IS
    'Whether a pile of that name is registered. | 该名称的充电桩是否已登记。';
COMMENT ON COLUMN query.door.site IS 'Its site. | 其所在场站。';
COMMENT ON COLUMN query.door.last_local IS
    'Last time in local time of that site, else UTC. | 最近时间（当地；无场站时为 UTC）。';
