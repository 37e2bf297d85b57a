package io.headroom.model;

import java.util.Enumeration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Scanner;
import java.util.Spliterator;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.stream.BaseStream;

/**
 * What may use arrays and cannot be looked into: stacks of threads, and what the platform keeps in private fields.
 *
 * <p>A thread whose stack shows the platform, a kernel or a test runner alone, such as an idle pool's, holds none. On
 * Java 21 a virtual thread shows only where a variable leads to it or to its executor.
 */
final class InUse {
    private static final List<String> BESIDE = List.of(
            "java.",
            "javax.",
            "jdk.",
            "sun.",
            "com.sun.",
            "org.dflib.jjava.",
            "io.github.spencerpark.",
            "org.zeromq.",
            "zmq.",
            "ch.qos.logback.",
            "org.apache.logging.",
            "org.apache.maven.surefire.");

    /** This library's own, and the test runner's timer. */
    private static final List<String> NAMED = List.of("headroom-", "surefire-");

    private InUse() {}

    /** A thread beside the caller's that may be working on arrays, as a sentence says it. */
    static Optional<String> thread() {
        return Thread.getAllStackTraces().entrySet().stream()
                .filter(each -> each.getKey() != Thread.currentThread())
                .filter(each -> NAMED.stream().noneMatch(each.getKey().getName()::startsWith))
                .flatMap(each -> at(each).stream())
                .sorted()
                .findFirst();
    }

    private static Optional<String> at(Map.Entry<Thread, StackTraceElement[]> each) {
        String thread = "thread \"" + each.getKey().getName() + "\" ";
        boolean timed = each.getKey().getState() == Thread.State.TIMED_WAITING;
        for (StackTraceElement frame : each.getValue()) {
            String type = frame.getClassName();
            if (BESIDE.stream().noneMatch(type::startsWith) || type.equals("java.lang.VirtualThread")) {
                return Optional.of(thread + "is in " + type + "." + frame.getMethodName()
                        + ", and what it works on cannot be seen. Wait until it ends, or stop it.");
            }
            if (timed && (type.endsWith("$DelayedWorkQueue") || type.equals("java.util.TimerThread"))) {
                return Optional.of(thread + "waits for the time of a task, and what that works on cannot be seen."
                        + " Cancel it, or shut its executor down.");
            }
        }
        return Optional.empty();
    }

    /** Whether to ask {@link #hidden} of a platform's object. */
    static boolean mayHide(Object value) {
        return value instanceof Future
                || value instanceof Thread
                || value instanceof ThreadPoolExecutor
                || value instanceof ForkJoinPool
                || value instanceof ThreadLocal
                || hides(value);
    }

    /** Why it cannot be told what such an object leads to, behind the variable's name. */
    static Optional<String> hidden(Object value) {
        String what = null;
        if (value instanceof Future<?> future && ofPlatform(value)) {
            what = future.isDone() ? null : "a Future that is not done";
        } else if (value instanceof Thread thread) {
            what = thread.isAlive() && thread != Thread.currentThread() ? "a Thread that runs" : null;
        } else if (value instanceof ThreadPoolExecutor pool) {
            what = pool.getActiveCount() > 0 || !pool.getQueue().isEmpty() ? "an executor at work" : null;
        } else if (value instanceof ForkJoinPool pool) {
            what = pool.isQuiescent() && !pool.hasQueuedSubmissions() ? null : "an executor at work";
        } else if (value instanceof ThreadLocal) {
            what = "a ThreadLocal";
        } else if (hides(value) && captured(value).isEmpty()) {
            what = "an object of " + value.getClass().getName().replaceAll("/0x\\w+$", "");
        }
        return Optional.ofNullable(what)
                .map(each -> " is or leads to " + each + ", which cannot be looked into. Set it to null, or wait until"
                        + " it is done.");
    }

    private static boolean hides(Object value) {
        return ofPlatform(value)
                && (value instanceof Iterator && !(value instanceof Scanner)
                        || value instanceof Spliterator
                        || value instanceof Enumeration
                        || value instanceof BaseStream
                        || value.getClass().isHidden()
                        || value.getClass().getName().endsWith("ThreadPerTaskExecutor"));
    }

    /** What such an object leads to, where that can be told. */
    static Optional<List<Object>> captured(Object value) {
        return hides(value) ? Captured.by(value, each -> mayHide(each) || Holders.looksInto(each)) : Optional.empty();
    }

    private static boolean ofPlatform(Object value) {
        return value.getClass().getName().startsWith("java.");
    }

    /** What a future gave; null where it did not or is of a class whose methods are not to be called. */
    static Object result(Future<?> future) {
        try {
            return ofPlatform(future) && future.isDone() && !future.isCancelled() ? future.get() : null;
        } catch (ExecutionException | CancellationException failed) {
            return null;
        } catch (InterruptedException never) {
            Thread.currentThread().interrupt();
            return null;
        }
    }
}
