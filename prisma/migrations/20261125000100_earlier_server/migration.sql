-- A cookie names an address. So a server that takes over the address of another gets that one's visitors, as long as their
-- cookies live: the log says so of each hit until then.
ALTER TABLE `server`
    ADD COLUMN `earlier_name` VARCHAR(63) NULL AFTER `stopped_at`,
    ADD COLUMN `earlier_until` DATETIME(3) NULL AFTER `earlier_name`;
