package io.headroom.allocator;

import io.headroom.trace.Recording;
import io.headroom.trace.Snapshot;
import io.headroom.trace.Snapshot.Failure;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a snapshot says of the run it recorded, besides the run itself.
 *
 * @param device the device that is looked at, one of {@code devices}
 * @param events how many events were recorded of it; with none only the end is known
 * @param failure the first request that failed
 * @param cap the cap on the process that refused it, where it was not the card
 * @param privatePools bytes in segments of CUDA graphs' or the user's own pools, replayed as if of the default ones
 * @param failed the devices that ran out of memory at some point
 * @param refused the first failure with what was cached before the recording began, where the replay came there as recorded
 * @param fidelity how a replay under the run's own settings compares with the recording
 */
public record Source(
        int device,
        List<Integer> devices,
        int events,
        Optional<Failure> failure,
        Optional<ProcessCap> cap,
        long privatePools,
        List<Integer> failed,
        Optional<Refused> refused,
        Optional<Fidelity> fidelity) {
    /** A request that failed in the recorded run: the sums at that moment, and the largest hole. */
    public record Refused(OomPoint point, Hole hole) {}

    static Source of(Snapshot snapshot, int device, AllocatorSettings recorded) {
        return new Source(
                device,
                snapshot.devices(),
                snapshot.recording(device).events(),
                snapshot.failure(device),
                ProcessCap.of(snapshot, device, recorded),
                snapshot.segments(device).stream()
                        .filter(Snapshot.Segment::privatePool)
                        .mapToLong(Snapshot.Segment::totalSize)
                        .sum(),
                snapshot.devices().stream()
                        .filter(other -> ranOut(snapshot.recording(other)))
                        .toList(),
                Optional.empty(),
                Optional.empty());
    }

    static boolean ranOut(Recording recording) {
        for (int event = 0; event < recording.events(); event++) {
            if (recording.action(event) == Recording.Action.OOM) {
                return true;
            }
        }
        return false;
    }

    Source with(Fidelity compared, Optional<Refused> rebuilt) {
        return new Source(device, devices, events, failure, cap, privatePools, failed, rebuilt, Optional.of(compared));
    }

    /** The most bytes PyTorch can have had, by its failure; empty if none failed. */
    OptionalLong most() {
        return failure.stream()
                .mapToLong(point -> cap.map(ProcessCap::most).orElse(point.reserved() + point.free()))
                .findFirst();
    }

    /**
     * What PyTorch could have: as given, else as the failure tells. Under a cap that the program set, what was reserved at
     * the most; under a memory fraction of its settings the card is at least as large as what was reserved demands.
     */
    Capacity capacity(WhatIf.Given given, AllocatorSettings recorded) {
        boolean fraction = recorded.memoryFraction() > 0 && recorded.memoryFraction() < 1;
        OptionalLong told = given.limit();
        if (told.isEmpty() && failure.isPresent()) {
            Failure point = failure.get();
            long device = point.reserved() + point.free();
            long limit = cap.isPresent() && !fraction ? cap.get().least() : device;
            told = limit > 0 ? OptionalLong.of(limit) : OptionalLong.empty();
        }
        long limit = told.orElse(CachingAllocator.UNLIMITED);
        if (given.total().isPresent()) {
            return new Capacity(limit, given.total().getAsLong());
        }
        if (!fraction || told.isEmpty()) {
            return Capacity.of(limit);
        }
        long reached = failure.map(Failure::mostReserved).orElse(0L);
        return new Capacity(limit, Math.max(limit, (long) Math.ceil(reached / recorded.memoryFraction()) + 1));
    }
}
