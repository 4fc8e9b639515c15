// Everything here is an addition: without script the page says the same.

themeSwitch();
copyBlocks();
sortStaticTables();
explorer();
markSections();
