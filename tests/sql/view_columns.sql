-- The promise to whoever reads the views: a column keeps its name, its place and its type for ever. New
-- columns come after these. To add one is to add it here; nothing is ever taken out or changed.
\ir role_helpers.psql
CREATE TABLE t.promise (view text, columns text);
INSERT INTO t.promise VALUES
    ('account',
     'account text, purpose text, class text, customer text, site text, fleet text, currency text, balance numeric,
      held numeric, available numeric, floor_amount numeric, ceiling_amount numeric, charge_code text, max_sessions
      integer, entries bigint, is_open boolean, opened_at timestamptz'),
    ('account_ledger',
     'account text, purpose text, customer text, site text, journal_id bigint, line smallint, entry_no bigint, kind
      text, booked_at timestamptz, booked_local timestamp, event_at timestamptz, event_local timestamp, period date,
      debit numeric, credit numeric, amount numeric, balance_after numeric, currency text, session_uid uuid,
      transaction_id bigint, channel text, external_no text, reverses_journal_id bigint, actor text, memo text'),
    ('audit',
     'audit_id bigint, at timestamptz, at_local timestamp, actor text, login text, action text, site text, target
      text, detail jsonb, outcome text'),
    ('calendar_day',
     'region text, date date, day_type text'),
    ('card',
     'card_id bigint, tag text, status text, expires_at timestamptz, customer text, account text, fleet text,
      vehicle_id bigint, parent_group text, home_site text, created_at timestamptz'),
    ('command',
     'command_id bigint, pile text, site text, action text, payload jsonb, state text, is_final boolean, actor text,
      requested_at timestamptz, requested_local timestamp, deadline_at timestamptz, sent_at timestamptz, answered_at
      timestamptz, latency_s numeric, answer text, attempts integer, session_uid uuid, message_id text,
      idempotency_key text'),
    ('connector_now',
     'pile text, connector integer, site text, kind text, standard text, max_power_kw numeric, status text,
      error_code text, vendor_error_code text, info text, status_at timestamptz, status_local timestamp,
      status_received_at timestamptz, is_online boolean, is_registered boolean, session_uid uuid, transaction_id
      bigint, started_at timestamptz, started_local timestamp, energy_kwh numeric, power_kw numeric, soc_pct
      numeric, reading_at timestamptz, running_cost_amount numeric, currency text'),
    ('conversation',
     'at timestamptz, at_local timestamp, pile text, site text, direction text, message_type text, action text,
      message_id text, frame text, note text'),
    ('customer',
     'customer text, kind text, language text, status text, home_site text, cards bigint, created_at timestamptz,
      forgotten_at timestamptz'),
    ('door',
     'identity text, reason text, count bigint, remote text, first_at timestamptz, last_at timestamptz,
      is_registered boolean, site text, last_local timestamp'),
    ('invariant',
     'invariant text, meaning_en text, meaning_zh text, violations bigint, details text[]'),
    ('login',
     'login text, role text, scope text, label text, sites text, created_at timestamptz, disabled_at timestamptz'),
    ('meter_reading',
     'pile text, connector integer, site text, at timestamptz, at_local timestamp, transaction_id bigint, context
      text, energy_import_kwh numeric, energy_export_kwh numeric, power_kw numeric, soc_pct numeric, extra jsonb,
      received_at timestamptz, is_suspect boolean'),
    ('pile',
     'pile text, site text, place text, is_outdoors boolean, protection text, vendor text, model text, serial_number
      text, box_serial_number text, firmware text, meter_type text, meter_serial_number text, registration text,
      is_accepted boolean, is_blocked boolean, security_profile smallint, has_key boolean, quirks text, is_strict
      boolean, is_export_allowed boolean, heartbeat_s integer, ping_s integer, connectors bigint, is_online boolean,
      connected_at timestamptz, connected_local timestamp, disconnected_at timestamptz, disconnect_reason text,
      remote text, last_seen_at timestamptz, last_seen_local timestamp, boots integer, booted_at timestamptz,
      booted_local timestamp, registered_at timestamptz, retired_at timestamptz'),
    ('review',
     'review_id bigint, kind text, is_blocking boolean, state text, site text, pile text, session_uid uuid,
      transaction_id bigint, received_at timestamptz, received_local timestamp, opened_at timestamptz, age_s bigint,
      detail jsonb, frame text, decision text, note text, decided_by text, decided_at timestamptz'),
    ('session',
     'session_uid uuid, transaction_id bigint, site text, pile text, connector integer, place text, state text, tag
      text, customer text, account text, fleet text, vehicle_id bigint, tariff text, tariff_version integer,
      currency text, direction text, started_at timestamptz, started_local timestamp, stopped_at timestamptz,
      stopped_local timestamp, duration_s bigint, meter_start_kwh numeric, meter_stop_kwh numeric, energy_kwh
      numeric, energy_export_kwh numeric, estimated_kwh numeric, amount numeric, net_amount numeric, vat_amount
      numeric, electricity_amount numeric, service_amount numeric, other_amount numeric, credit_amount numeric,
      from_bonus_amount numeric, from_wallet_amount numeric, to_arrears_amount numeric, hold_amount numeric,
      running_cost_amount numeric, stop_reason text, verdict text, reservation_id bigint, is_settled boolean,
      is_unsecured boolean, is_start_queued boolean, is_stop_queued boolean, is_estimated boolean, is_in_review
      boolean, review_kinds text, evidence text, settled_at timestamptz, settled_local timestamp, journal_id bigint,
      start_reported_at timestamptz, start_received_at timestamptz, stop_reported_at timestamptz, stop_received_at
      timestamptz, clock_offset_s numeric, booked_at timestamptz'),
    ('session_line',
     'session_uid uuid, transaction_id bigint, bill_version integer, line integer, site text, pile text, connector
      integer, account text, from_at timestamptz, from_local timestamp, to_at timestamptz, to_local timestamp,
      direction text, dimension text, charge_code text, rate_label text, quantity numeric, unit text, quantity_kwh
      numeric, price numeric, net_amount numeric, vat_pct numeric, vat_amount numeric, gross_amount numeric, amount
      numeric, currency text, tariff text, tariff_version integer, tariff_element text, is_estimated boolean,
      is_current boolean, settled_at timestamptz'),
    ('session_reading',
     'session_uid uuid, transaction_id bigint, site text, pile text, connector integer, source text, at timestamptz,
      at_local timestamp, context text, energy_import_kwh numeric, energy_export_kwh numeric, power_kw numeric,
      power_export_kw numeric, power_offered_kw numeric, current_a numeric, current_l1_a numeric, current_l2_a
      numeric, current_l3_a numeric, voltage_v numeric, voltage_l1_v numeric, voltage_l2_v numeric, voltage_l3_v
      numeric, soc_pct numeric, temperature_celsius numeric, frequency_hz numeric, extra jsonb, received_at
      timestamptz, is_suspect boolean, reported_at timestamptz'),
    ('site',
     'site text, name text, kind text, zone text, currency text, region text, address text, latitude numeric,
      longitude numeric, tariff text, min_start_amount numeric, min_hold_amount numeric, full_charge_within_s
      integer, grid_limit_kw numeric, own_supply_kw numeric, piles bigint, piles_online bigint, is_open boolean,
      created_at timestamptz, created_local timestamp'),
    ('tariff',
     'tariff text, version integer, name text, currency text, tax_mode text, state text, valid_from_at timestamptz,
      valid_to_at timestamptz, top_price_per_kwh numeric, document jsonb, sha256 text, published_by text,
      published_at timestamptz'),
    ('tariff_assignment',
     'assignment_id bigint, tariff text, scope text, target text, connector integer, priority integer, valid_from_at
      timestamptz, valid_to_at timestamptz, actor text, created_at timestamptz');

CREATE FUNCTION t.broken() RETURNS TABLE (view text, place bigint, promised text, got text) LANGUAGE sql AS $$
    SELECT p.view, c.place, c.text, format('%s %s', a.column, replace(replace(a.type, 'timestamp with time zone', 'timestamptz'),
                                                               'timestamp without time zone', 'timestamp'))
    FROM t.promise p CROSS JOIN LATERAL regexp_split_to_table(regexp_replace(p.columns, '\s+', ' ', 'g'), ', ') WITH ORDINALITY c (text, place)
    LEFT JOIN api.view_column a ON a.schema = 'query' AND a.view = p.view AND a.place = c.place
    WHERE c.text IS DISTINCT FROM format('%s %s', a.column, replace(replace(a.type, 'timestamp with time zone', 'timestamptz'),
                                                             'timestamp without time zone', 'timestamp'))
$$;
SELECT t.is((SELECT string_agg(b::text, '; ') FROM t.broken() b), NULL, 'promises that are broken');
SELECT t.is((SELECT string_agg(v.view, ' ') FROM api.view v WHERE v.schema = 'query' AND v.view NOT IN (SELECT p.view FROM t.promise p)), NULL, 'views without a promise');
\echo 'ok - every column keeps its name, place and type'
-- A promise that is broken is found.
UPDATE t.promise SET columns = replace(columns, 'amount numeric', 'amount bigint') WHERE view = 'session_line';
SELECT t.is((SELECT count(*) > 0 FROM t.broken()), true, 'another type');
UPDATE t.promise SET columns = columns || ', gone text' WHERE view = 'site';
SELECT t.is((SELECT count(*)::int FROM t.broken() WHERE view = 'site'), 1, 'a column that is gone');
\echo 'ok - a broken promise is found'
