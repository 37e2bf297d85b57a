package io.headroom.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/** Fills the Java heap with objects that are kept, or with ones that live for a while, under a monitor. */
public final class HeapAlarmMain {
    private HeapAlarmMain() {}

    public static void main(String[] args) {
        int size = Integer.parseInt(args[1]);
        List<byte[]> held = new ArrayList<>();
        AtomicLong alarms = new AtomicLong();
        AtomicLong at = new AtomicLong();
        long step = 0;
        MemoryMonitor monitor = MemoryMonitor.everySteps(1_000).onAlarm(alarm -> {
            alarms.incrementAndGet();
            at.set(held.size());
        });
        try (monitor) {
            monitor.printTo(line -> {
                if (!line.startsWith("Step")) {
                    System.out.println(line);
                }
            });
            if (args[0].equals("kept")) {
                while (true) {
                    held.add(new byte[size]);
                    monitor.step(step++);
                }
            }
            int live = (int) (Runtime.getRuntime().maxMemory() * Double.parseDouble(args[2]) / size);
            Random random = new Random(1);
            byte[][] ring = new byte[live][];
            long until = System.nanoTime() + 2_000_000_000L;
            while (System.nanoTime() < until) {
                ring[random.nextInt(live)] = new byte[size];
                monitor.step(step++);
            }
        } catch (OutOfMemoryError e) {
            int full = held.size();
            held.clear();
            System.out.println("OutOfMemoryError at " + full);
        }
        System.out.println("alarms " + alarms + " at " + at + ", full collections " + HeapCollections.count());
    }
}
