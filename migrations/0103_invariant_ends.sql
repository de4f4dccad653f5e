-- The check of a settlement's lines holds at the ends of their type, too: what looks for broken books
-- must not break on them.
SET LOCAL ROLE joulebook_owner;

CREATE OR REPLACE VIEW ledger.inv_settlement_lines AS
    SELECT t.session_uid, t.version, t.gross_minor, t.credit_minor, l.import_minor, l.export_minor
    FROM ledger.settlement t CROSS JOIN LATERAL (
        SELECT COALESCE(sum(x.amount_minor) FILTER (WHERE x.direction = 'import'), 0) AS import_minor,
               COALESCE(sum(abs(x.amount_minor::numeric)) FILTER (WHERE x.direction = 'export'), 0) AS export_minor
        FROM ledger.settlement_line x WHERE x.session_uid = t.session_uid AND x.version = t.version) l
    WHERE l.import_minor <> t.gross_minor OR l.export_minor <> t.credit_minor;

RESET ROLE;
