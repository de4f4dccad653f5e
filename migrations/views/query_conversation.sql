-- What piles and csmsd said to one another. A trace, written behind the answers and kept for some weeks:
-- the evidence of a bill stands elsewhere. Tags and keys are masked.
CREATE OR REPLACE VIEW query.conversation WITH (security_barrier) AS
SELECT m.at                          AS at,
       core.local_time(m.at, t.zone) AS at_local,
       p.identity                    AS pile,
       t.code                        AS site,
       m.direction                   AS direction,
       CASE m.type WHEN 2 THEN 'CALL' WHEN 3 THEN 'CALLRESULT' WHEN 4 THEN 'CALLERROR' END
           AS message_type,
       m.action                      AS action,
       m.message_id                  AS message_id,
       core.mask_text(m.frame)       AS frame,
       m.note                        AS note
FROM core.frame m
JOIN core.station p ON p.id = m.station
JOIN core.site t ON t.id = p.site_id;
ALTER VIEW query.conversation OWNER TO joulebook_reader;
REVOKE ALL ON query.conversation FROM PUBLIC;
GRANT SELECT ON query.conversation TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.conversation IS
    'One row per frame of the trace. | 报文跟踪的每一帧一行。';
COMMENT ON COLUMN query.conversation.at IS 'When it was received or sent. | 收发时间。';
COMMENT ON COLUMN query.conversation.at_local IS 'The same in local time. | 收发时间（当地）。';
COMMENT ON COLUMN query.conversation.pile IS 'Pile. | 充电桩。';
COMMENT ON COLUMN query.conversation.site IS 'Site. | 场站。';
COMMENT ON COLUMN query.conversation.direction IS
    'in: from the pile; out: to the pile. | in：桩发出；out：发往桩。';
COMMENT ON COLUMN query.conversation.message_type IS
    'CALL, CALLRESULT or CALLERROR; null: no frame of OCPP. | CALL、CALLRESULT 或 CALLERROR；非 OCPP 帧为空。';
COMMENT ON COLUMN query.conversation.action IS 'Action. | 动作。';
COMMENT ON COLUMN query.conversation.message_id IS
    'Id of the message; a call and its answer share it. | 报文号；请求与应答相同。';
COMMENT ON COLUMN query.conversation.frame IS
    'The frame, tags and keys masked. | 报文内容（卡号与密钥已遮蔽）。';
COMMENT ON COLUMN query.conversation.note IS
    'What was noted about it: refused, tolerated, timed out. | 附注：拒绝、容忍、超时等。';
