using Halo.Training.Tests;

// A test starts this program again as a trainer of its own, to kill it.
if (args is ["train", ..])
{
    return TrainingProcess.Run(args[1..]);
}

return args.Any(argument => argument is "-automated" or "@@")
    ? await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args)
    : await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
