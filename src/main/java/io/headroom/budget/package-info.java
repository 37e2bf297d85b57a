/**
 * From a workload to the bytes it needs, when and in which operator; formula, interval, solver, devices.
 *
 * <p>May use: workload, allocator.
 */
package io.headroom.budget;
