package io.headroom;

import io.headroom.model.Leftovers;
import io.headroom.workload.Workload;
import java.util.Optional;

/**
 * A statement that failed, with what the buttons below its card act on: never on another failure's.
 *
 * @param workload what the card's remedies were computed from
 * @param left what the statement left open
 */
record FailedStatement(Explanation explanation, Optional<Workload> workload, Optional<Leftovers> left) {}
