-- What a server is asked to do; `draining` is what it does.
ALTER TABLE `server` ADD COLUMN `drain_wanted` BOOLEAN NOT NULL DEFAULT false AFTER `draining`;
