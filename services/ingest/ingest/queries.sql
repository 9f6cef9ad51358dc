-- Statements of ingest's handlers.

-- name: list_mappings
-- Return how the files of uploads are read.
-- row: UploadMapping
select upload.id, upload.mapping::text as mapping
from app.uploads upload
where upload.id = any (:upload_ids);
