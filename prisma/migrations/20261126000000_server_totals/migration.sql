-- Hits by arrival and commits of each server, and what a server takes over from the earlier instances at its address, so that
-- its totals do not fall when it restarts. A server of the previous release leaves all of it at the defaults.
ALTER TABLE `server`
    ADD COLUMN `new_hits` BIGINT UNSIGNED NOT NULL DEFAULT 0 AFTER `hits`,
    ADD COLUMN `returning_hits` BIGINT UNSIGNED NOT NULL DEFAULT 0 AFTER `new_hits`,
    ADD COLUMN `moved_hits` BIGINT UNSIGNED NOT NULL DEFAULT 0 AFTER `returning_hits`,
    ADD COLUMN `commits` BIGINT UNSIGNED NOT NULL DEFAULT 0 AFTER `moved_hits`,
    ADD COLUMN `carried_hits` BIGINT UNSIGNED NOT NULL DEFAULT 0 AFTER `commits`,
    ADD COLUMN `carried_new_hits` BIGINT UNSIGNED NOT NULL DEFAULT 0 AFTER `carried_hits`,
    ADD COLUMN `carried_returning_hits` BIGINT UNSIGNED NOT NULL DEFAULT 0 AFTER `carried_new_hits`,
    ADD COLUMN `carried_moved_hits` BIGINT UNSIGNED NOT NULL DEFAULT 0 AFTER `carried_returning_hits`,
    ADD COLUMN `carried_commits` BIGINT UNSIGNED NOT NULL DEFAULT 0 AFTER `carried_moved_hits`,
    ADD COLUMN `ended` VARCHAR(7) NULL AFTER `stopped_at`,
    ADD COLUMN `earlier_ended` VARCHAR(7) NULL AFTER `ended`;
