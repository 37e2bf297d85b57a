package io.headroom.memory;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;

/** Takes tensors under a cap until libtorch refuses, lifts the cap and goes on. */
public final class CappedMain {
    private CappedMain() {}

    public static void main(String[] args) {
        long room = Bytes.parse(args[0]);
        long each = Bytes.parse(args[1]);
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            manager.ones(new Shape(8)).close();
            Reading start = Reading.now();
            long cap = start.rss().getAsLong() + room;
            MemoryLimit.set(cap);
            System.out.println("headroom " + (room - Reading.now().headroom().getAsLong()));
            long taken = 0;
            List<NDArray> held = new ArrayList<>();
            try {
                while (taken < 4 * room) {
                    held.add(manager.ones(new Shape(each / Float.BYTES), DataType.FLOAT32));
                    taken += each;
                }
                System.out.println("never failed");
            } catch (RuntimeException e) {
                System.out.println("taken " + taken);
                System.out.println("rss " + Reading.now().rss().getAsLong() + " cap " + cap);
                System.out.println("failed " + e.getMessage().replace('\n', ' '));
            }
            int before = held.size();
            StringBuilder garbage = new StringBuilder();
            for (int i = 0; i < 200_000; i++) {
                garbage.append(i);
            }
            System.out.println("lives " + (garbage.length() > 0));
            MemoryLimit.lift();
            held.add(manager.ones(new Shape(2 * room / Float.BYTES), DataType.FLOAT32));
            System.out.println("went on with " + (held.size() - before));
        }
    }
}
