/**
 * The catalogue of remedies: each turns a workload into a cheaper one, with preconditions and cost.
 *
 * <p>May use: budget, training.
 */
package io.headroom.remedy;
