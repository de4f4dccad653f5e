-- A bill that was made without a Stop is made anew when readings come that it does not know.
SET LOCAL ROLE joulebook_owner;

ALTER TABLE core.session
    ADD COLUMN input_stop_mwh bigint,                -- at which the rating input ended, if no Stop told it
    ADD COLUMN recheck_at timestamptz;               -- when its readings are next held against that
CREATE INDEX session_recheck ON core.session (recheck_at) WHERE recheck_at IS NOT NULL;

CREATE OR REPLACE VIEW ledger.inv_settled_session AS
    SELECT s.uid AS session_uid, s.state, t.version
    FROM core.session s
    FULL JOIN (SELECT * FROM ledger.settlement x WHERE x.state = 'posted') t ON t.session_uid = s.uid
    WHERE (COALESCE(s.state, '') = 'settled') <> (t.version IS NOT NULL)
      -- A bill stands until a late Stop, late readings or a later correction are booked in its place.
      AND NOT COALESCE(s.state IN ('stopped', 'review', 'presumed_ended') AND (t.provisional OR EXISTS (
          SELECT FROM core.review r
          WHERE r.session_uid = s.uid AND r.correction IS NOT NULL AND r.decided_at > t.settled_at)), false);
RESET ROLE;
