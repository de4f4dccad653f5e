-- Writes the protocol's catalogue and field tables, as the migrator: what is gone goes.
-- $1 {"actions": [...], "fields": [...]}, members named as the tables' columns
WITH catalogue AS (SELECT $1::jsonb AS it),
given_action AS (
    SELECT r.* FROM catalogue, jsonb_to_recordset(it -> 'actions')
        AS r (action text, sender text, repeatable boolean, section text)),
given_field AS (
    SELECT r.* FROM catalogue, jsonb_to_recordset(it -> 'fields')
        AS r (action text, confirmation boolean, path text, kind text, required boolean, minimum bigint,
              maximum bigint, allowed text[], ordinal integer)),
gone_action AS (
    DELETE FROM core.ocpp_action o WHERE NOT EXISTS (SELECT FROM given_action g WHERE g.action = o.action)),
gone_field AS (
    DELETE FROM core.ocpp_field o
    WHERE NOT EXISTS (SELECT FROM given_field g
                      WHERE (g.action, g.confirmation, g.path) = (o.action, o.confirmation, o.path))),
kept_action AS (
    INSERT INTO core.ocpp_action AS o SELECT * FROM given_action
    ON CONFLICT (action) DO UPDATE
        SET (sender, repeatable, section) = (excluded.sender, excluded.repeatable, excluded.section)
    RETURNING 1),
kept_field AS (
    INSERT INTO core.ocpp_field AS o SELECT * FROM given_field
    ON CONFLICT (action, confirmation, path) DO UPDATE
        SET (kind, required, minimum, maximum, allowed, ordinal) =
            (excluded.kind, excluded.required, excluded.minimum, excluded.maximum, excluded.allowed, excluded.ordinal)
    RETURNING 1)
SELECT (SELECT count(*) FROM kept_action), (SELECT count(*) FROM kept_field)
