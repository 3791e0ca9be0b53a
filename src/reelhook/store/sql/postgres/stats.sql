-- Figures of an endpoint from its rollups; `:first` and `:end` are minutes since 1970.

-- name: belongs
SELECT EXISTS (SELECT 1 FROM endpoints WHERE id = :endpoint_id AND app_id = :app_id);

-- name: totals
SELECT measure, sum(count)::bigint FROM rollups
WHERE endpoint_id = :endpoint_id AND minute >= :first AND minute < :end GROUP BY measure;

-- name: series
SELECT (minute - :start) / :step, measure, sum(count)::bigint FROM rollups
WHERE endpoint_id = :endpoint_id AND minute >= :first AND minute < :end AND measure IN (0, 1)
GROUP BY 1, measure;

-- name: pending
SELECT count(*) FROM (SELECT 1 FROM queue WHERE endpoint_id = :endpoint_id LIMIT :limit) waiting;
