-- 1: the attempt made a request before this one, with the access token of earlier attempts, that was answered 401.
ALTER TABLE attempt_details ADD COLUMN renewed INTEGER NOT NULL DEFAULT 0;

-- When the version was stored (ms since 1970): the one before it is cited by no attempt that is younger.
ALTER TABLE endpoint_versions ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0;
