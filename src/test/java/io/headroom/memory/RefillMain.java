package io.headroom.memory;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;

/** Fills a cap with arrays of 8 MiB and closes them, some times, then takes one array of what the head-room says but 64 MiB. */
public final class RefillMain {
    private static final Shape EACH = new Shape(8 * Bytes.MIB / Float.BYTES);

    private RefillMain() {}

    public static void main(String[] args) {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            manager.ones(EACH).close();
            MemoryLimit.set(Reading.now().rss().orElseThrow() + Bytes.parse(args[0]));
            for (int fill = 0; fill < 3; fill++) {
                fill(manager);
                NativeTrim.now();
            }
            long headroom = Reading.now().headroom().orElseThrow();
            System.out.println("headroom " + headroom);
            NDArray one = manager.ones(new Shape((headroom - 64 * Bytes.MIB) / Float.BYTES));
            System.out.println("one " + one.size() * Float.BYTES);
            MemoryLimit.lift();
            System.out.println("went on " + manager.ones(EACH).size());
        }
    }

    private static void fill(NDManager manager) {
        List<NDArray> held = new ArrayList<>();
        try {
            while (true) {
                held.add(manager.ones(EACH));
            }
        } catch (RuntimeException refused) {
            System.out.println("filled with " + held.size());
            held.add(manager.ones(new Shape(1024))); // lies behind them in an arena
            held.subList(0, held.size() - 1).forEach(NDArray::close);
        }
    }
}
