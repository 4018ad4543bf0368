-- What `errors` is made of: overloaded:3,outcome_unknown:1. A server of the version before says nothing of it.
ALTER TABLE `server` ADD COLUMN `error_codes` VARCHAR(255) NULL AFTER `errors`;
