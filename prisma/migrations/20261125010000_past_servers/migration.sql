-- So that what is asked of the servers does not grow with all that ever were: those that are gone are marked, and their hits
-- added up. A replica of the release before goes on as it did: every server keeps its row, and its hits in it.
ALTER TABLE `server`
    ADD COLUMN `gone_at` DATETIME(3) NULL AFTER `earlier_until`,
    ADD INDEX `server_gone_at_srv_id_idx`(`gone_at`, `srv_id`);

CREATE TABLE `past_hits` (
    `first_id` INTEGER UNSIGNED NOT NULL,
    `hits` BIGINT UNSIGNED NOT NULL,
    `counted_at` DATETIME(3) NOT NULL,

    INDEX `past_hits_counted_at_first_id_idx`(`counted_at`, `first_id`),
    PRIMARY KEY (`first_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
