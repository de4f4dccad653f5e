-- Commands to piles, from the request to the pile's answer.
CREATE OR REPLACE VIEW query.command WITH (security_barrier) AS
SELECT m.id                                    AS command_id,
       p.identity                              AS pile,
       t.code                                  AS site,
       m.action                                AS action,
       core.mask_text(CASE jsonb_typeof(m.payload) WHEN 'object' THEN m.payload - m.secret_members ELSE m.payload END::text)::jsonb
           AS payload,
       m.state                                 AS state,
       m.state NOT IN ('queued', 'sent')       AS is_final,
       m.actor                                 AS actor,
       m.requested_at                          AS requested_at,
       core.local_time(m.requested_at, t.zone) AS requested_local,
       m.deadline                              AS deadline_at,
       m.sent_at                               AS sent_at,
       m.answered_at                           AS answered_at,
       CASE WHEN isfinite(m.sent_at) AND isfinite(m.answered_at)
       THEN round(extract(epoch FROM m.answered_at) - extract(epoch FROM m.sent_at), 3) END
           AS latency_s,
       core.mask_text(m.answer)                AS answer,
       m.attempts                              AS attempts,
       m.session_uid                           AS session_uid,
       m.message_id                            AS message_id,
       m.idempotency_key                       AS idempotency_key
FROM core.command m
JOIN core.station p ON p.id = m.station_id
JOIN core.site t ON t.id = p.site_id;
ALTER VIEW query.command OWNER TO joulebook_reader;
REVOKE ALL ON query.command FROM PUBLIC;
GRANT SELECT ON query.command TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.command IS
    'One row per command to a pile; key: command_id. | 发往充电桩的每条命令一行；键：command_id。';
COMMENT ON COLUMN query.command.command_id IS 'Number of the command. | 命令号。';
COMMENT ON COLUMN query.command.pile IS 'Pile. | 充电桩。';
COMMENT ON COLUMN query.command.site IS 'Site. | 场站。';
COMMENT ON COLUMN query.command.action IS 'Action of OCPP. | OCPP 动作。';
COMMENT ON COLUMN query.command.payload IS
    'Payload without secrets, tags masked. | 内容（不含机密，卡号已遮蔽）。';
COMMENT ON COLUMN query.command.state IS
    'queued, sent, accepted, rejected, refused, call_error, timed_out, unknown, expired or cancelled; unknown with an answer: its status is none of the specification''s. | 排队、已发送、已接受、被拒绝、不予发送、报错、超时、未知、过期或已取消；未知而有应答：其状态不在规范之列。';
COMMENT ON COLUMN query.command.is_final IS 'Whether its outcome is known or given up. | 是否已有最终结果。';
COMMENT ON COLUMN query.command.actor IS 'Who asked for it. | 请求者。';
COMMENT ON COLUMN query.command.requested_at IS 'When. | 请求时间。';
COMMENT ON COLUMN query.command.requested_local IS 'The same in local time. | 请求时间（当地）。';
COMMENT ON COLUMN query.command.deadline_at IS 'Not sent after this. | 最迟发送时间。';
COMMENT ON COLUMN query.command.sent_at IS 'When it was sent. | 发送时间。';
COMMENT ON COLUMN query.command.answered_at IS 'When the pile answered. | 应答时间。';
COMMENT ON COLUMN query.command.latency_s IS 'From sending to the answer, s. | 应答耗时（秒）。';
COMMENT ON COLUMN query.command.answer IS 'The pile''s answer, or the error. | 桩的应答或错误。';
COMMENT ON COLUMN query.command.attempts IS 'How often it was claimed for sending. | 领取发送次数。';
COMMENT ON COLUMN query.command.session_uid IS 'Session that it is about. | 相关会话。';
COMMENT ON COLUMN query.command.message_id IS 'Id of its message. | 报文号。';
COMMENT ON COLUMN query.command.idempotency_key IS
    'Key by which a repeat is the same command. | 幂等键；相同键视为同一命令。';
