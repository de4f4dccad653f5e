-- The readings of a session, with the registers of its start and stop as rows of their own: with the tariff
-- (query.tariff) all that a bill is computed from. Which readings are a session's is decided here, when
-- they are read, by the rule of core.session_readings: those of its connector that name its transaction,
-- those of its time (core.session_window) that name no session of that connector, and those of its Stop
-- (core.session_connectors). Where the start was shifted because the pile's clock was wrong, its readings are
-- shifted with it.
CREATE OR REPLACE VIEW query.session_reading WITH (security_barrier) AS
SELECT s.uid                                AS session_uid,
       s.transaction_id                     AS transaction_id,
       t.code                               AS site,
       p.identity                           AS pile,
       r.connector                          AS connector,
       r.source                             AS source,
       r.at                                 AS at,
       core.local_time(r.at, t.zone)        AS at_local,
       r.context                            AS context,
       r.import_mwh * 0.000001              AS energy_import_kwh,
       r.export_mwh * 0.000001              AS energy_export_kwh,
       r.power_import_mw * 0.000001         AS power_kw,
       r.power_export_mw * 0.000001         AS power_export_kw,
       r.power_offered_mw * 0.000001        AS power_offered_kw,
       r.current_import_ma * 0.001          AS current_a,
       r.current_l1_ma * 0.001              AS current_l1_a,
       r.current_l2_ma * 0.001              AS current_l2_a,
       r.current_l3_ma * 0.001              AS current_l3_a,
       r.voltage_mv * 0.001                 AS voltage_v,
       r.voltage_l1_mv * 0.001              AS voltage_l1_v,
       r.voltage_l2_mv * 0.001              AS voltage_l2_v,
       r.voltage_l3_mv * 0.001              AS voltage_l3_v,
       r.soc_ppm * 0.0001                   AS soc_pct,
       r.temperature_mc * 0.001             AS temperature_celsius,
       r.frequency_mhz * 0.001              AS frequency_hz,
       core.mask_text(r.extra::text)::jsonb AS extra,
       r.received_at                        AS received_at,
       r.suspect                            AS is_suspect,
       r.reported_at                        AS reported_at
FROM core.session s
JOIN core.site t ON t.id = s.site_id
JOIN core.station p ON p.id = s.station_id
CROSS JOIN LATERAL core.session_window(s) w
CROSS JOIN LATERAL core.session_connectors(s) AS places
CROSS JOIN LATERAL (SELECT
    -- A clock can be wrong by decades; what no sum can hold is no clock, and is not shifted.
    CASE WHEN s.started_at BETWEEN '1900-01-01 00:00:00+00' AND '2200-01-01 00:00:00+00'
          AND s.start_reported_at BETWEEN '1900-01-01 00:00:00+00' AND '2200-01-01 00:00:00+00'
         THEN s.started_at - s.start_reported_at ELSE interval '0' END AS shift) c
CROSS JOIN LATERAL (
    SELECT 'start' AS source, s.connector, s.started_at AS at, s.start_reported_at AS reported_at,
           s.start_received_at AS received_at,
           'Transaction.Begin' AS context, s.meter_start_mwh AS import_mwh, NULL::bigint AS export_mwh,
           NULL::bigint AS power_import_mw, NULL::bigint AS power_export_mw, NULL::bigint AS power_offered_mw,
           NULL::bigint AS current_import_ma, NULL::bigint AS current_l1_ma, NULL::bigint AS current_l2_ma,
           NULL::bigint AS current_l3_ma, NULL::bigint AS voltage_mv, NULL::bigint AS voltage_l1_mv,
           NULL::bigint AS voltage_l2_mv, NULL::bigint AS voltage_l3_mv, NULL::bigint AS frequency_mhz,
           NULL::bigint AS temperature_mc, NULL::bigint AS soc_ppm, NULL::jsonb AS extra, false AS suspect
    UNION ALL
    SELECT 'stop', s.connector, s.stopped_at, s.stop_reported_at, s.stop_received_at, 'Transaction.End',
           s.meter_stop_mwh, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           NULL, NULL, false
    WHERE s.stopped_at IS NOT NULL
    UNION ALL
    SELECT 'reading', s.connector,
           CASE WHEN m.at BETWEEN '1900-01-01 00:00:00+00' AND '2200-01-01 00:00:00+00' THEN m.at + c.shift ELSE m.at END,
           m.at, m.received_at, m.context, m.import_mwh, m.export_mwh, m.power_import_mw,
           m.power_export_mw, m.power_offered_mw, m.current_import_ma, m.current_l1_ma, m.current_l2_ma,
           m.current_l3_ma, m.voltage_mv, m.voltage_l1_mv, m.voltage_l2_mv, m.voltage_l3_mv, m.frequency_mhz,
           m.temperature_mc, m.soc_ppm, m.extra, m.suspect
    FROM core.meter_reading m
    WHERE m.station = s.station_id AND m.connector = ANY (places) AND m.at BETWEEN w.lowest AND w.highest
      AND (m.connector < 0 OR m.transaction_id = s.transaction_id
           OR m.at BETWEEN w.since AND w.until AND m.received_at BETWEEN w.received_since AND w.received_until
              AND NOT EXISTS (SELECT FROM core.session o
                              WHERE o.transaction_id = m.transaction_id AND o.station_id = m.station
                                AND o.connector = m.connector))) r;
ALTER VIEW query.session_reading OWNER TO joulebook_reader;
REVOKE ALL ON query.session_reading FROM PUBLIC;
GRANT SELECT ON query.session_reading TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.session_reading IS
    'One row per register reading of a session; order by at. | 会话的每个电表读数一行；按 at 排序。';
COMMENT ON COLUMN query.session_reading.session_uid IS 'Session. | 会话。';
COMMENT ON COLUMN query.session_reading.transaction_id IS 'Its transactionId. | 其 transactionId。';
COMMENT ON COLUMN query.session_reading.site IS 'Site. | 场站。';
COMMENT ON COLUMN query.session_reading.pile IS 'Pile. | 充电桩。';
COMMENT ON COLUMN query.session_reading.connector IS 'Connector. | 枪号。';
COMMENT ON COLUMN query.session_reading.source IS
    'start, reading or stop: which message carried it. | 来源报文：start、reading 或 stop。';
COMMENT ON COLUMN query.session_reading.at IS 'Time that money counts by. | 计费所用的读数时间。';
COMMENT ON COLUMN query.session_reading.at_local IS 'The same in local time. | 读数时间（当地）。';
COMMENT ON COLUMN query.session_reading.context IS
    'Context, as the pile spells it; null: none given. | 读数情境（按桩上报）；未给出为空。';
COMMENT ON COLUMN query.session_reading.energy_import_kwh IS
    'Import register, kWh, exact. | 正向电表读数（千瓦时），精确值。';
COMMENT ON COLUMN query.session_reading.energy_export_kwh IS
    'Export register, kWh, exact. | 反向电表读数（千瓦时），精确值。';
COMMENT ON COLUMN query.session_reading.power_kw IS 'Power of charging, kW. | 充电功率（千瓦）。';
COMMENT ON COLUMN query.session_reading.power_export_kw IS 'Power of discharging, kW. | 放电功率（千瓦）。';
COMMENT ON COLUMN query.session_reading.power_offered_kw IS 'Power offered, kW. | 可提供功率（千瓦）。';
COMMENT ON COLUMN query.session_reading.current_a IS 'Current, A. | 电流（安）。';
COMMENT ON COLUMN query.session_reading.current_l1_a IS 'Current of phase L1, A. | L1 相电流（安）。';
COMMENT ON COLUMN query.session_reading.current_l2_a IS 'Current of phase L2, A. | L2 相电流（安）。';
COMMENT ON COLUMN query.session_reading.current_l3_a IS 'Current of phase L3, A. | L3 相电流（安）。';
COMMENT ON COLUMN query.session_reading.voltage_v IS 'Voltage, V. | 电压（伏）。';
COMMENT ON COLUMN query.session_reading.voltage_l1_v IS 'Voltage of phase L1, V. | L1 相电压（伏）。';
COMMENT ON COLUMN query.session_reading.voltage_l2_v IS 'Voltage of phase L2, V. | L2 相电压（伏）。';
COMMENT ON COLUMN query.session_reading.voltage_l3_v IS 'Voltage of phase L3, V. | L3 相电压（伏）。';
COMMENT ON COLUMN query.session_reading.soc_pct IS 'State of charge, %. | 荷电状态（%）。';
COMMENT ON COLUMN query.session_reading.temperature_celsius IS 'Temperature, degrees Celsius. | 温度（摄氏度）。';
COMMENT ON COLUMN query.session_reading.frequency_hz IS 'Frequency, Hz. | 频率（赫兹）。';
COMMENT ON COLUMN query.session_reading.extra IS
    'What fits no column exactly, as sent. | 无法精确入列的内容，原样保留。';
COMMENT ON COLUMN query.session_reading.received_at IS 'When it was received. | 接收时间。';
COMMENT ON COLUMN query.session_reading.is_suspect IS
    'Whether it was not trusted when it came. | 接收时是否被判为可疑。';
COMMENT ON COLUMN query.session_reading.reported_at IS 'Time by the pile''s clock. | 桩时钟时间。';
