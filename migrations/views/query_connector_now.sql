-- Connectors at this moment, with the session and the last reading of those that charge.
CREATE OR REPLACE VIEW query.connector_now WITH (security_barrier) AS
SELECT p.identity                                             AS pile,
       n.number                                               AS connector,
       t.code                                                 AS site,
       n.kind                                                 AS kind,
       n.standard                                             AS standard,
       n.max_power_w * 0.001                                  AS max_power_kw,
       n.status                                               AS status,
       n.error_code                                           AS error_code,
       n.vendor_error_code                                    AS vendor_error_code,
       n.info                                                 AS info,
       n.status_at                                            AS status_at,
       core.local_time(n.status_at, t.zone)                   AS status_local,
       n.status_received_at                                   AS status_received_at,
       k.opened_at IS NOT NULL AND k.closed_at IS NULL        AS is_online,
       n.registered                                           AS is_registered,
       s.uid                                                  AS session_uid,
       s.transaction_id                                       AS transaction_id,
       s.started_at                                           AS started_at,
       core.local_time(s.started_at, t.zone)                  AS started_local,
       (r.import_mwh - s.meter_start_mwh::numeric) * 0.000001 AS energy_kwh,
       r.power_import_mw * 0.000001                           AS power_kw,
       r.soc_ppm * 0.0001                                     AS soc_pct,
       r.at                                                   AS reading_at,
       core.money(s.running_cost_minor, c.exponent)           AS running_cost_amount,
       s.currency                                             AS currency
FROM core.connector n
JOIN core.station p ON p.id = n.station_id
JOIN core.site t ON t.id = p.site_id
LEFT JOIN core.station_connection k ON k.station_id = p.id
LEFT JOIN LATERAL (
    SELECT o.* FROM core.session o
    WHERE o.station_id = n.station_id AND o.connector = n.number AND o.stopped_at IS NULL AND o.state = 'open'
    ORDER BY o.transaction_id DESC LIMIT 1) s ON true
LEFT JOIN core.currency c ON c.code = s.currency
LEFT JOIN LATERAL (
    SELECT m.* FROM core.meter_reading m
    WHERE m.station = s.station_id AND m.at >= s.started_at AND m.at < now() + interval '1 day'
      AND m.transaction_id = s.transaction_id
    ORDER BY m.at DESC LIMIT 1) r ON true;
ALTER VIEW query.connector_now OWNER TO joulebook_reader;
REVOKE ALL ON query.connector_now FROM PUBLIC;
GRANT SELECT ON query.connector_now TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.connector_now IS
    'One row per connector, as it is now; key: pile, connector. | 每个充电枪一行，当前状态；键：pile、connector。';
COMMENT ON COLUMN query.connector_now.pile IS 'Pile. | 充电桩。';
COMMENT ON COLUMN query.connector_now.connector IS
    'Number of the connector; 0 is the pile itself. | 枪号；0 表示桩本身。';
COMMENT ON COLUMN query.connector_now.site IS 'Site. | 场站。';
COMMENT ON COLUMN query.connector_now.kind IS 'AC or DC. | 交流或直流。';
COMMENT ON COLUMN query.connector_now.standard IS 'Plug standard. | 接口标准。';
COMMENT ON COLUMN query.connector_now.max_power_kw IS 'Most power, kW. | 最大功率（千瓦）。';
COMMENT ON COLUMN query.connector_now.status IS 'Status, as the pile spells it. | 状态（按桩上报）。';
COMMENT ON COLUMN query.connector_now.error_code IS 'Error code, as the pile spells it. | 错误码（按桩上报）。';
COMMENT ON COLUMN query.connector_now.vendor_error_code IS 'Error code of the vendor. | 厂商错误码。';
COMMENT ON COLUMN query.connector_now.info IS 'What the pile says besides. | 桩的附加说明。';
COMMENT ON COLUMN query.connector_now.status_at IS 'Since when, by the pile''s time. | 状态起始时间（桩时间）。';
COMMENT ON COLUMN query.connector_now.status_local IS 'The same in local time. | 状态起始时间（当地）。';
COMMENT ON COLUMN query.connector_now.status_received_at IS 'When that was received. | 状态接收时间。';
COMMENT ON COLUMN query.connector_now.is_online IS 'Whether the pile is connected now. | 桩当前是否在线。';
COMMENT ON COLUMN query.connector_now.is_registered IS
    'False: known from the pile''s reports only. | 否：仅由桩上报得知。';
COMMENT ON COLUMN query.connector_now.session_uid IS 'Running session. | 进行中的会话。';
COMMENT ON COLUMN query.connector_now.transaction_id IS 'Its transactionId. | 其 transactionId。';
COMMENT ON COLUMN query.connector_now.started_at IS 'When it started. | 开始时间。';
COMMENT ON COLUMN query.connector_now.started_local IS 'The same in local time. | 开始时间（当地）。';
COMMENT ON COLUMN query.connector_now.energy_kwh IS
    'Energy so far by its last reading, kWh. | 最近读数下的已充电量（千瓦时）。';
COMMENT ON COLUMN query.connector_now.power_kw IS 'Power of its last reading, kW. | 最近读数的功率（千瓦）。';
COMMENT ON COLUMN query.connector_now.soc_pct IS
    'State of charge of its last reading, %. | 最近读数的荷电状态（%）。';
COMMENT ON COLUMN query.connector_now.reading_at IS 'Time of that reading. | 该读数时间。';
COMMENT ON COLUMN query.connector_now.running_cost_amount IS
    'Always null: no cost is kept while a session runs. | 恒为空：充电过程中不保存当前费用。';
COMMENT ON COLUMN query.connector_now.currency IS 'Currency of the session. | 会话货币。';
