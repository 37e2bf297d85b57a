package io.headroom;

import io.headroom.budget.Device;
import io.headroom.units.Bytes;
import io.headroom.workload.Workload;

/** A step and what it is held against: a size that was named, or what is usable of a device, for which the step then is. */
record Limited(Workload step, Session.Room room, boolean onDevice) {
    /**
     * Reads a limit: a size, or a device of the table by its name.
     *
     * @throws IllegalArgumentException if it is neither; the message lists the devices, or shows how a size is written
     */
    static Limited by(Workload step, String limit) {
        if (limit == null
                || limit.isBlank()
                || !Character.isLetter(limit.strip().charAt(0))) {
            if (limit != null) {
                Device.refuseSlice("limit", limit);
            }
            return new Limited(step, new Session.Room(Bytes.parse(limit), "the limit given"), false);
        }
        Workload there = step.device(Device.named(limit).name());
        return new Limited(there, Session.room(there), true);
    }
}
