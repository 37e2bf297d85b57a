package io.headroom.bench;

import io.headroom.allocator.AllocatorSettings;
import io.headroom.allocator.CachingAllocator;
import io.headroom.allocator.Fidelity;
import io.headroom.allocator.Footprint;
import io.headroom.trace.Snapshot;
import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.Path;

/** Replays recorded snapshots under their own settings and prints how far recording and replay agree. */
public final class FidelityReport {
    private FidelityReport() {}

    public static void main(String[] args) throws IOException {
        for (String file : args) {
            Snapshot snapshot = Snapshot.read(Path.of(file));
            System.out.println(Path.of(file).getFileName() + ": " + snapshot + ", conf \""
                    + snapshot.conf().orElse("?") + "\"");
            for (int device : snapshot.devices()) {
                AllocatorSettings settings =
                        AllocatorSettings.parse(snapshot.conf().orElse(""));
                Fidelity fidelity = Fidelity.of(snapshot, device, settings, CachingAllocator.UNLIMITED);
                Trace trace = snapshot.trace(device);
                Footprint footprint = CachingAllocator.replay(trace, settings, CachingAllocator.UNLIMITED);
                System.out.println("  device " + device + (fidelity.isExact() ? " EXACT " : " ") + fidelity);
                System.out.println("  predicted from an empty device: peak reserved "
                        + Bytes.format(footprint.peakReserved().bytes()) + ", skipped " + trace.skipped());
            }
        }
    }
}
