package io.headroom.allocator;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import io.headroom.memory.NativeTrim;
import io.headroom.memory.Peak;
import io.headroom.memory.Watch;
import io.headroom.trace.Trace;
import io.headroom.trace.TraceText;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The main class of the JVM that {@link MallocReplay} starts: a trace on stdin, its figures in bytes on stdout. */
final class MallocRunner {
    static final int FIGURES = 4;

    private final Trace trace;
    private final List<ExecutorService> threads = new ArrayList<>();
    private final long[] addresses;
    private long live;

    private MallocRunner(Trace trace) {
        this.trace = trace;
        addresses = new long[trace.allocations()];
        for (int i = 0; i < Math.max(1, trace.streams()); i++) {
            threads.add(Executors.newSingleThreadExecutor(task -> {
                Thread thread = new Thread(task);
                thread.setDaemon(true);
                return thread;
            }));
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException, ExecutionException {
        Trace trace = TraceText.parse(new String(System.in.readAllBytes(), StandardCharsets.UTF_8));
        MallocRunner warm = new MallocRunner(TraceText.parse("alloc a 1 MiB\nfree a\n"));
        Watch.start("").stop();
        warm.run();
        MallocRunner runner = new MallocRunner(trace);
        Watch watch = Watch.start("");
        runner.run();
        Peak peak = watch.stop();
        long trimmed = NativeTrim.now().orElse(0);
        System.out.println(
                peak.rose().orElseThrow() + " " + peak.kept().orElseThrow() + " " + runner.live + " " + trimmed);
    }

    private void run() throws InterruptedException, ExecutionException {
        for (int event = 0; event < trace.events(); event++) {
            switch (trace.kind(event)) {
                case ALLOC -> {
                    int id = trace.allocation(event);
                    addresses[id] = on(id, () -> allocate(trace.bytes(id)));
                    live += trace.bytes(id);
                }
                case FREE, FREE_COMPLETED -> {
                    int id = trace.allocation(event);
                    long address = addresses[id];
                    on(id, () -> {
                        Native.free(address);
                        return 0L;
                    });
                    live -= trace.bytes(id);
                }
                case EMPTY_CACHE -> NativeTrim.now();
                default -> {
                    // neither phases nor marks allocate
                }
            }
        }
        threads.forEach(ExecutorService::shutdown);
    }

    private long on(int id, Callable<Long> call) throws InterruptedException, ExecutionException {
        return threads.get(trace.stream(id)).submit(call).get();
    }

    private static long allocate(long bytes) {
        long address = Native.malloc(Math.max(1, bytes));
        if (address == 0) {
            throw new OutOfMemoryError("malloc of " + Bytes.format(bytes) + " failed");
        }
        new Pointer(address).setMemory(0, bytes, (byte) 1);
        return address;
    }
}
