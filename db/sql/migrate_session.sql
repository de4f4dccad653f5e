-- Undoes what a file has left set in the session, its role above all.
RESET ROLE;
RESET ALL;
SET client_min_messages = warning;
SET lock_timeout = '60s';
-- Functions of different files name one another, whatever the order of the files is.
SET check_function_bodies = off;
