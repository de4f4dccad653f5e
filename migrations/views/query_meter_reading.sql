-- Every reading as it was stored, whatever its time and whichever transaction it names.
CREATE OR REPLACE VIEW query.meter_reading WITH (security_barrier) AS
SELECT p.identity                           AS pile,
       -- Below zero it names a Stop (core.session_connectors).
       CASE WHEN m.connector >= 0 THEN m.connector END AS connector,
       t.code                               AS site,
       m.at                                 AS at,
       core.local_time(m.at, t.zone)        AS at_local,
       m.transaction_id                     AS transaction_id,
       m.context                            AS context,
       m.import_mwh * 0.000001              AS energy_import_kwh,
       m.export_mwh * 0.000001              AS energy_export_kwh,
       m.power_import_mw * 0.000001         AS power_kw,
       m.soc_ppm * 0.0001                   AS soc_pct,
       core.mask_text(m.extra::text)::jsonb AS extra,
       m.received_at                        AS received_at,
       m.suspect                            AS is_suspect
FROM core.meter_reading m
JOIN core.station p ON p.id = m.station
JOIN core.site t ON t.id = p.site_id;
ALTER VIEW query.meter_reading OWNER TO joulebook_reader;
REVOKE ALL ON query.meter_reading FROM PUBLIC;
GRANT SELECT ON query.meter_reading TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.meter_reading IS
    'One row per reading that a pile sent. | 充电桩发送的每个读数一行。';
COMMENT ON COLUMN query.meter_reading.pile IS 'Pile. | 充电桩。';
COMMENT ON COLUMN query.meter_reading.connector IS 'Connector; null: of a Stop whose session nobody knew. | 枪号；随停止报文上送且当时无对应会话的为空。';
COMMENT ON COLUMN query.meter_reading.site IS 'Site. | 场站。';
COMMENT ON COLUMN query.meter_reading.at IS 'Time by the pile''s clock. | 桩时钟时间。';
COMMENT ON COLUMN query.meter_reading.at_local IS 'The same in local time. | 读数时间（当地）。';
COMMENT ON COLUMN query.meter_reading.transaction_id IS
    'transactionId, as the pile named it. | 桩所报的 transactionId。';
COMMENT ON COLUMN query.meter_reading.context IS
    'Context, as the pile spells it; null: none given. | 读数情境（按桩上报）；未给出为空。';
COMMENT ON COLUMN query.meter_reading.energy_import_kwh IS
    'Import register, kWh, exact. | 正向电表读数（千瓦时），精确值。';
COMMENT ON COLUMN query.meter_reading.energy_export_kwh IS
    'Export register, kWh, exact. | 反向电表读数（千瓦时），精确值。';
COMMENT ON COLUMN query.meter_reading.power_kw IS 'Power of charging, kW. | 充电功率（千瓦）。';
COMMENT ON COLUMN query.meter_reading.soc_pct IS 'State of charge, %. | 荷电状态（%）。';
COMMENT ON COLUMN query.meter_reading.extra IS
    'What fits no column exactly, as sent. | 无法精确入列的内容，原样保留。';
COMMENT ON COLUMN query.meter_reading.received_at IS 'When it was received. | 接收时间。';
COMMENT ON COLUMN query.meter_reading.is_suspect IS
    'Whether it was not trusted when it came. | 接收时是否被判为可疑。';
