-- The newest numbered file that was applied; 0: none.
SELECT coalesce(max(number), 0)::int8, count(*)::int8 FROM migration.step
