-- Readings, as arrays of the columns of core.meter_reading. Sorted by key, so that two lanes meet
-- in the same order; a repeat is dropped. Suspect readings that belong to no session of their
-- station are one review item for each station and day, with the first of them; a register below
-- zero keeps its session from being billed before a decision.
-- $1 station  $2 at  $3 connector  $4 hash  $5 received at  $6 transaction id  $7 context
-- $8 import  $9 export (mWh)  $10 power import  $11 export  $12 offered (mW)
-- $13 current import  $14 L1  $15 L2  $16 L3  $17 export  $18 offered (mA)
-- $19 voltage  $20 L1  $21 L2  $22 L3 (mV)  $23 frequency (mHz)  $24 temperature (m°C)
-- $25 state of charge (ppm)  $26 extra: JSON  $27 suspect
WITH orphan AS (
    INSERT INTO core.review (kind, blocks, dedupe_key, station_id, site_id, received_at, detail)
    SELECT DISTINCT ON (r.station, (r.received_at AT TIME ZONE 'UTC')::date) 'reading_unknown_session', false,
           'reading_unknown_session:' || r.station || ':' || (r.received_at AT TIME ZONE 'UTC')::date,
           r.station, s.site_id, r.received_at,
           jsonb_build_object('transactionId', r.transaction_id, 'connectorId', r.connector, 'at', r.at)
    FROM unnest($1::bigint[], $2::timestamptz[], $3::int[], $5::timestamptz[], $6::bigint[], $27::bool[])
             AS r (station, at, connector, received_at, transaction_id, suspect)
    LEFT JOIN core.station s ON s.id = r.station
    -- LIMIT: by its key for each row, whatever the planner thinks of the tables.
    LEFT JOIN LATERAL (SELECT x.uid FROM core.session x
                       WHERE x.transaction_id = r.transaction_id AND x.station_id = r.station LIMIT 1) t ON true
    WHERE r.suspect AND t.uid IS NULL
    ORDER BY r.station, (r.received_at AT TIME ZONE 'UTC')::date, r.received_at, r.at, r.transaction_id
    -- Not counted here: whoever is deciding on the item would hold up all readings.
    ON CONFLICT (dedupe_key) DO NOTHING
), negative AS (
    INSERT INTO core.review (kind, blocks, dedupe_key, station_id, site_id, session_uid, received_at, detail)
    SELECT DISTINCT ON (t.uid) 'negative_register', true, 'negative_register:' || t.uid,
           t.station_id, t.site_id, t.uid, r.received_at,
           jsonb_build_object('transaction_id', r.transaction_id, 'connector', r.connector, 'at', r.at,
                              'import_mwh', r.import_mwh::text, 'export_mwh', r.export_mwh::text)
    FROM unnest($1::bigint[], $2::timestamptz[], $3::int[], $5::timestamptz[], $6::bigint[],
                $8::bigint[], $9::bigint[], $27::bool[])
             AS r (station, at, connector, received_at, transaction_id, import_mwh, export_mwh, suspect)
    CROSS JOIN LATERAL (SELECT x.uid, x.station_id, x.site_id FROM core.session x
                        WHERE x.transaction_id = r.transaction_id AND x.station_id = r.station LIMIT 1) t
    WHERE r.suspect AND least(r.import_mwh, r.export_mwh) < 0
    ORDER BY t.uid, r.at
    ON CONFLICT (dedupe_key) DO NOTHING
)
INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, context,
    import_mwh, export_mwh, power_import_mw, power_export_mw, power_offered_mw,
    current_import_ma, current_l1_ma, current_l2_ma, current_l3_ma, current_export_ma,
    current_offered_ma, voltage_mv, voltage_l1_mv, voltage_l2_mv, voltage_l3_mv,
    frequency_mhz, temperature_mc, soc_ppm, extra, suspect)
SELECT r.station, r.at, r.connector, r.hash, r.received_at, r.transaction_id, r.context,
    r.import_mwh, r.export_mwh, r.power_import_mw, r.power_export_mw, r.power_offered_mw,
    r.current_import_ma, r.current_l1_ma, r.current_l2_ma, r.current_l3_ma, r.current_export_ma,
    r.current_offered_ma, r.voltage_mv, r.voltage_l1_mv, r.voltage_l2_mv, r.voltage_l3_mv,
    r.frequency_mhz, r.temperature_mc, r.soc_ppm, r.extra::jsonb, r.suspect
FROM unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::bigint[], $5::timestamptz[],
    $6::bigint[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
    $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
    $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[],
    $24::bigint[], $25::bigint[], $26::text[], $27::bool[])
    AS r (station, at, connector, hash, received_at, transaction_id, context,
    import_mwh, export_mwh, power_import_mw, power_export_mw, power_offered_mw,
    current_import_ma, current_l1_ma, current_l2_ma, current_l3_ma, current_export_ma,
    current_offered_ma, voltage_mv, voltage_l1_mv, voltage_l2_mv, voltage_l3_mv,
    frequency_mhz, temperature_mc, soc_ppm, extra, suspect)
ORDER BY r.station, r.at, r.connector, r.hash
ON CONFLICT DO NOTHING
