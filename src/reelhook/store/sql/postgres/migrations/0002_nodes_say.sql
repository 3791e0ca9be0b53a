-- works with: 1
-- What each node says of itself, so that nothing is taken away that a node at work still needs: the newest schema that
-- its program knows, and the key that it seals with (NULL: it does not say).
ALTER TABLE nodes ADD COLUMN knows integer NOT NULL DEFAULT 1;
ALTER TABLE nodes ADD COLUMN seals bytea;
