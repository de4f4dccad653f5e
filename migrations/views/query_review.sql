-- What a person has to decide, with the evidence.
CREATE OR REPLACE VIEW query.review WITH (security_barrier) AS
SELECT r.id                                                    AS review_id,
       r.kind                                                  AS kind,
       r.blocks                                                AS is_blocking,
       r.state                                                 AS state,
       t.code                                                  AS site,
       p.identity                                              AS pile,
       r.session_uid                                           AS session_uid,
       s.transaction_id                                        AS transaction_id,
       r.received_at                                           AS received_at,
       core.local_time(r.received_at, coalesce(t.zone, 'UTC')) AS received_local,
       r.opened_at                                             AS opened_at,
       core.seconds_between(r.opened_at, coalesce(r.decided_at, now()))
           AS age_s,
       core.mask_text(r.detail::text)::jsonb                   AS detail,
       core.mask_text(r.frame)                                 AS frame,
       r.decision                                              AS decision,
       r.note                                                  AS note,
       r.decided_by                                            AS decided_by,
       r.decided_at                                            AS decided_at
FROM core.review r
LEFT JOIN core.session s ON s.uid = r.session_uid
LEFT JOIN core.station p ON p.id = coalesce(r.station_id, s.station_id)
LEFT JOIN core.site t ON t.id = coalesce(r.site_id, s.site_id, p.site_id);
ALTER VIEW query.review OWNER TO joulebook_reader;
REVOKE ALL ON query.review FROM PUBLIC;
GRANT SELECT ON query.review TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.review IS
    'One row per item of review; key: review_id. | 每个审核事项一行；键：review_id。';
COMMENT ON COLUMN query.review.review_id IS 'Number of the item. | 审核事项号。';
COMMENT ON COLUMN query.review.kind IS 'What cannot be trusted. | 不可信的情形。';
COMMENT ON COLUMN query.review.is_blocking IS
    'Whether its session is not billed before the decision. | 决定前是否不计费。';
COMMENT ON COLUMN query.review.state IS 'open or decided. | 未决或已决。';
COMMENT ON COLUMN query.review.site IS 'Site. | 场站。';
COMMENT ON COLUMN query.review.pile IS 'Pile. | 充电桩。';
COMMENT ON COLUMN query.review.session_uid IS 'Session. | 会话。';
COMMENT ON COLUMN query.review.transaction_id IS 'Its transactionId. | 其 transactionId。';
COMMENT ON COLUMN query.review.received_at IS 'When the evidence was received. | 证据接收时间。';
COMMENT ON COLUMN query.review.received_local IS 'The same in local time. | 证据接收时间（当地）。';
COMMENT ON COLUMN query.review.opened_at IS 'When the item was opened. | 事项建立时间。';
COMMENT ON COLUMN query.review.age_s IS 'How long it was or is open, s. | 未决时长（秒）。';
COMMENT ON COLUMN query.review.detail IS 'Details, tags masked. | 详情（卡号已遮蔽）。';
COMMENT ON COLUMN query.review.frame IS
    'Frame that caused it, tags and keys masked. | 引发事项的报文（卡号与密钥已遮蔽）。';
COMMENT ON COLUMN query.review.decision IS
    'bill: billed; lost: never billed; noted: it did not matter. | 决定：bill 计费、lost 不计费、noted 仅备注。';
COMMENT ON COLUMN query.review.note IS 'Why. | 理由。';
COMMENT ON COLUMN query.review.decided_by IS 'Who decided. | 决定者。';
COMMENT ON COLUMN query.review.decided_at IS 'When. | 决定时间。';
