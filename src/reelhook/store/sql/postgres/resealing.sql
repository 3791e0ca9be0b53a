-- Everything that is sealed, page by page in the order of its keys, and the same sealed anew. What was changed since it
-- was read stays as it is: whoever changed it sealed it.

-- name: apps
SELECT id, document FROM apps WHERE id > :id ORDER BY id LIMIT :limit;

-- name: put_app
UPDATE apps SET document = :renewed WHERE id = :id AND document = :document;

-- name: versions
SELECT v.endpoint_id, v.version, e.app_id, v.document
FROM endpoint_versions v JOIN endpoints e ON e.id = v.endpoint_id
WHERE (v.endpoint_id, v.version) > (:endpoint_id, :version) ORDER BY v.endpoint_id, v.version LIMIT :limit;

-- name: put_version
UPDATE endpoint_versions SET document = :renewed
WHERE endpoint_id = :endpoint_id AND version = :version AND document = :document;

-- Only what begins as a value of the other key does (those of publishing are not sealed, and are many).
-- name: answers
SELECT app_id, kind, key, answer FROM keys
WHERE (app_id, kind, key) > (:app_id, :kind, :key) AND substr(answer, 1, 4) = :other
ORDER BY app_id, kind, key LIMIT :limit;

-- name: put_answer
UPDATE keys SET answer = :renewed WHERE app_id = :app_id AND kind = :kind AND key = :key AND answer = :answer;
