-- Monitors' tokens are hashed apart from directories': a hub of before migration
-- 214 would have taken those of until now for a directory's. Make them anew.
DELETE FROM directory_token WHERE purpose = 'watch';
